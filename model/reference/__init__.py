"""What our operators are measured against: float64, and the arithmetic of others. Nothing else uses it."""

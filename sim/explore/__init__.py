"""What ``pointwise explore`` searches, tries, and shows."""

"""What ``pointwise estimate`` shows and writes."""

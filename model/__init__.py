"""The network: DeiT in float, its quantisation, its integer model and its compiler. Knows no HDL."""

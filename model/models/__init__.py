"""Families of networks, each as a graph made of a checkpoint."""

"""What a core takes of an ECP5, by synthesis and by a model that is fitted to a few of them."""

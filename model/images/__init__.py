"""Images from files: how a network wants them prepared, and which there are."""

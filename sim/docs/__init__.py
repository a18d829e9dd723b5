"""Tables in the documents, made from the code and from recorded runs."""

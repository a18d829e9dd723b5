"""What a simulation gave: JSON files for programs; a table, a picture and a page of HTML for people."""

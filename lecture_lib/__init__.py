"""The models of the book, one module for each idea of the lecture."""

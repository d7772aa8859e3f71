"""Exercises of chapter 11.1, one module each."""

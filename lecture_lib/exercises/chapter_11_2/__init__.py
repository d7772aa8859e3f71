"""Exercises of chapter 11.2, one module each."""

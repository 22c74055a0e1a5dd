"""Attention heads of transformers as players."""

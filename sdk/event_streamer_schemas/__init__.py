"""The models, under the import path of earlier releases."""

"""The studies of docs/systems.md, one module a document, and what they share."""

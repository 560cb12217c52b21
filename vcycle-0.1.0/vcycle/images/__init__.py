"""Root images and templates: where they are found."""

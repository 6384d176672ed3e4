"""What several commands share: options, data, files, tables, pages."""

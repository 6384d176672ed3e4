"""What figures share: style, labels, data, marks."""

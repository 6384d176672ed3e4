"""What the docstrings of the public interface say, and what every one of them has to say."""

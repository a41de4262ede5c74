"""Building blocks that more than one method uses; a network of one method lives in its file."""

"""Commands about access: tokens, logging in, and opening the page."""

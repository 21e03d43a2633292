"""Commands about jobs: submit, list, show, explain, follow, cancel."""

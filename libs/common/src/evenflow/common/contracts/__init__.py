"""What crosses the bus: subjects, the envelope, the codec."""

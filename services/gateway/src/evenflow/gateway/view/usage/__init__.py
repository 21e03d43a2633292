"""view/usage"""

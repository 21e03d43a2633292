"""view/rules"""

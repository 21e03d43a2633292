"""jobs/rules"""

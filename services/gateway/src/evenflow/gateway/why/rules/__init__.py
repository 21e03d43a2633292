"""why/rules"""

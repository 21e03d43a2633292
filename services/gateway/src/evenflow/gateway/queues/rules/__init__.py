"""queues/rules"""

"""reservations/rules"""

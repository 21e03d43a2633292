"""People who sign in at an identity provider (OpenID Connect): tokens judged, the page's login.

In come bearer tokens and browsers that come back from the provider; out go principals. It may
import the edge and what it stands on; no noun knows it. Only `provider` speaks to the provider.
"""

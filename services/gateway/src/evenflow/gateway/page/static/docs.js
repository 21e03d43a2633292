// Shows the endpoints of this gateway; requests made here go with the session's cookie.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger", deepLinking: true });

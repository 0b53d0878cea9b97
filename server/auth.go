package server

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
)

const authHelp = docs + "/user-guide/configuring-http-api/#security-considerations"

var (
	errNotAuthenticated = &APIError{
		Status: http.StatusUnauthorized, Reason: "NotAuthenticated", Message: "User is not authenticated.", Help: authHelp,
	}
	errNotAuthorized = &APIError{
		Status: http.StatusForbidden, Reason: "NotAuthorized", Message: "User has insufficient permissions.", Help: authHelp,
	}
)

// auth guards a route that belongs to no conversation.
func (s *Server) auth(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.authorize(c, "", false); err != nil {
			return err
		}
		return next(c)
	}
}

// authorize checks the token of the query, then the JWT of the header (rasa/server.py, requires_auth). An admin may do
// everything, a user only what concerns the conversation of the same name.
func (s *Server) authorize(c echo.Context, conversationID string, hasConversation bool) error {
	if s.cfg.AuthToken == "" && s.tokens == nil {
		return nil
	}
	if given, ok := channels.Query(c, "token"); ok && s.cfg.AuthToken != "" &&
		subtle.ConstantTimeCompare([]byte(given), []byte(s.cfg.AuthToken)) == 1 {
		return nil
	}
	if s.tokens == nil {
		return errNotAuthenticated
	}
	token, err := bearer(c)
	if err != nil {
		return err
	}
	if token == "" {
		return errNotAuthenticated
	}
	claims, err := s.tokens.verify(token)
	if problem := (*invalidToken)(nil); asInvalid(err, &problem) {
		return errNotAuthenticated
	}
	if err != nil {
		return err
	}
	return sufficientScope(claims, conversationID, hasConversation)
}

func sufficientScope(claims *value.Map, conversationID string, hasConversation bool) error {
	v, given := claims.Get("user")
	if !given {
		return errNotAuthorized
	}
	user, ok := v.(*value.Map)
	if !ok {
		return errUserNoObject
	}
	switch user.Value("role") {
	case "admin":
		return nil
	case "user":
		if name, ok := user.Value("username").(string); ok && hasConversation && name == conversationID {
			return nil
		}
	}
	return errNotAuthorized
}

// bearer returns the token of the header Authorization, "" when there is none.
func bearer(c echo.Context) (string, error) {
	header := c.Request().Header.Values("Authorization")
	if len(header) == 0 {
		return "", nil
	}
	prefix, token, ok := strings.Cut(header[0], " ")
	// net/http takes the space at the end of "Bearer " away, Sanic does not.
	if !ok || prefix != "Bearer" || strings.Contains(token, " ") {
		return "", &tokenError{http.StatusBadRequest, "Authorization header is invalid.", "InvalidAuthorizationHeader"}
	}
	return token, nil
}

// authenticate is POST /auth: Rasa checks tokens but gives none out.
func (s *Server) authenticate(echo.Context) error {
	return &tokenError{http.StatusUnauthorized, "Direct JWT authentication not supported. You should already have " +
		"a valid JWT from an authentication provider, Rasa will just make sure that the token is valid, but not issue new tokens.",
		"AuthenticationFailed"}
}

// verifyToken is GET /auth/verify.
func (s *Server) verifyToken(c echo.Context) error {
	token, err := bearer(c)
	if err != nil {
		return err
	}
	if token == "" {
		return &tokenError{http.StatusUnauthorized, "Authorization header not present.", "MissingAuthorizationHeader"}
	}
	_, err = s.tokens.verify(token)
	problem := (*invalidToken)(nil)
	switch {
	case asInvalid(err, &problem):
		return channels.WriteJSON(c, http.StatusUnauthorized,
			value.NewMap("valid", false, "reasons", []any{problem.reason}, "exception", "InvalidToken"))
	case err != nil:
		return err
	}
	return channels.WriteJSON(c, http.StatusOK, value.NewMap("valid", true))
}

// tokenUser is GET /auth/me, which Rasa does not set up.
func (s *Server) tokenUser(echo.Context) error {
	return &tokenError{http.StatusInternalServerError,
		"/me endpoint has not been setup. Pass retrieve_user if you with to proceeed.", "MeEndpointNotSetup"}
}

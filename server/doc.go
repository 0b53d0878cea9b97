// Package server is the HTTP API: every route of Rasa 3.6.21's server with its answers, and the routes of the channels
// (rasa/server.py, rasa/core/run.py). A request passes three steps: ServeHTTP sets what Sanic and its extensions put on
// every answer, echo finds the route, and the route's handler calls the dialogue processor. Errors become answers in
// errors.go only.
//
// The package does not load, train or evaluate models: who does is handed in as an interface.
package server

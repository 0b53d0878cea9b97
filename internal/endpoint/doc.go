// Package endpoint calls the HTTP servers that a project's endpoints.yml names: the action server and the NLG server.
//
// An Endpoint is a section of that file made ready for use: address with parameters and token, headers, credentials and
// certificate authority (rasa/utils/endpoints.py EndpointConfig, 3.6.21). Post sends a JSON body and reads the JSON
// answer as aiohttp does, and Shape checks that the answer is what the protocol allows. What a failure means is left to
// the caller: here are only the kinds that Rasa treats differently.
package endpoint

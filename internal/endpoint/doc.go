// Package endpoint calls the HTTP servers that a project names: the action server, the NLG server and the model server of
// endpoints.yml, and the one that the callback channel of credentials.yml posts to.
//
// An Endpoint is a section of these files made ready for use: address with parameters and token, headers, credentials and
// certificate authority (rasa/utils/endpoints.py EndpointConfig, 3.6.21). Post sends a JSON body and reads the JSON
// answer as aiohttp does, and Shape checks that the answer is what the protocol allows. What a failure means is left to
// the caller: here are only the kinds that Rasa treats differently.
package endpoint

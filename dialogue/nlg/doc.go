// Package nlg makes the bot's messages for the responses of a domain.
//
// Templated picks a variation by its conditions and its channel, then fills slot values into its texts
// (rasa/core/nlg/{generator,response,interpolator}.py, 3.6.21). Texts are taken apart when a model is loaded; saying one
// only joins the pieces. What has no placeholder is shared by all messages made from it. Callback asks an HTTP server
// for every message instead (rasa/core/nlg/callback.py). FromEndpoint decides between the two as endpoints.yml says, and
// Check finds placeholders that nothing can fill.
package nlg

// Package project reads the files of a Rasa 3.x project into typed values that know where they were written:
// domain, NLU data, stories and rules, responses, config.yml, credentials.yml and endpoints.yml.
//
// Load reads everything a model is trained on and joins it as Rasa's importers do; LoadDomain, LoadConfig,
// LoadEndpoints and LoadCredentials read single kinds of files; Parse and ParseDomain read YAML from memory.
//
// What Rasa Open Source 3.6.21 refuses is refused and what it accepts is accepted (its schemas under
// rasa/shared/**/schemas and the readers beside them are the source). Everything that is wrong is collected in
// Problems. The package knows nothing of models or conversations: it is a leaf of the dependency graph.
package project

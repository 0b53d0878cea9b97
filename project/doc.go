// Package project reads the files of a Rasa 3.x project into typed values that know where they were written:
// domain, NLU data, stories and rules, responses, config.yml, credentials.yml and endpoints.yml.
//
// What Rasa Open Source 3.6.21 refuses is refused and what it accepts is accepted (its schemas under
// rasa/shared/**/schemas and the readers beside them are the source). Everything that is wrong is collected in
// Problems. The package knows nothing of models or conversations: it is a leaf of the dependency graph.
package project

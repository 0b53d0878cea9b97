// Package nlu understands a single user message: it finds the intent and the entities in its text.
//
// It holds the contracts (Message, Component, Trainable), the registry of components and the Pipeline that trains and
// runs the components listed in config.yml. The components themselves live in sub-packages, which register what they
// have; package standard links them. The behaviour is that of Rasa Open Source 3.6.21 (rasa/nlu and the NLU part of
// rasa/engine/recipes/default_recipe.py). Offsets in a text count code points, end exclusive.
package nlu

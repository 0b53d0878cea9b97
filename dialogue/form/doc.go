// Package form fills slots: from user messages by the mappings of the domain (Slots) and by asking for them one after
// another (Form). It holds what rasa/core/actions/forms.py, loops.py and ActionExtractSlots of action.py do in Rasa
// 3.6.21. What can be worked out from the domain is worked out once, when a model is loaded.
package form

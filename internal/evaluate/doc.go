// Package evaluate compares what models predict with what test data expects: intents, entities and response selection
// of NLU data, actions of test stories, and cross validation. The numbers and the shape of the results are Rasa's
// (rasa/nlu/test.py, rasa/core/test.py, rasa/model_testing.py, 3.6.21), which has them from scikit-learn.
package evaluate

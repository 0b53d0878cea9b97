// Package diet is the dual intent and entity transformer that DIETClassifier and ResponseSelector share
// (rasa/nlu/classifiers/diet_classifier.py, rasa/utils/tensorflow/{models,rasa_layers,model_data_utils}.py, 3.6.21;
// Bunk et al., DIET: Lightweight Language Understanding for Dialogue Systems, arXiv:2004.09936).
//
// Sparse features of tokens and of the whole text are made dense, put side by side with the dense ones, and go through a
// transformer. Its output for the whole text (CLS) and the features of the labels are embedded into one space, where
// their dot product says how well a label fits. Its outputs for the tokens feed conditional random fields that tag
// entities, roles and groups.
//
// A Model is a trained network with its labels and tags. It is immutable: any number of goroutines may call Predict.
// Trainer makes one. Both Rasa's archives and parley's own files end in the same State and the same tensors, whose
// names are the object paths of Rasa's checkpoints.
package diet

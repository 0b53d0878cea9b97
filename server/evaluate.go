package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/value"
)

// Tester evaluates models.
type Tester interface {
	// Stories compares the loaded model's predictions with test stories in YAML; endToEnd looks at intents and entities
	// too.
	Stories(ctx context.Context, yaml []byte, endToEnd bool) (*value.Map, error)
	// Intents compares what a model understands with NLU data, YAML or JSON.
	Intents(ctx context.Context, data []byte, m *dialogue.Model) (*value.Map, error)
	// CrossValidate trains and evaluates models on parts of the NLU data in a YAML document with config and domain.
	CrossValidate(ctx context.Context, yaml []byte, folds int) (*value.Map, error)
}

func testingError(err error) *APIError {
	return &APIError{Status: http.StatusInternalServerError, Reason: "TestingError", Err: err,
		Message: fmt.Sprintf("An unexpected error occurred during evaluation. Error: %s", pythonText(err))}
}

var errNoTester = errors.New("this server cannot evaluate models")

// testStories is POST /model/test/stories.
func (s *Server) testStories(c echo.Context) error {
	data, err := channels.Body(c)
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return badRequest("You must provide some stories in the request body in order to evaluate your model.")
	}
	if err := checkTrainingYAML(data); err != nil {
		return err
	}
	if s.cfg.Tester == nil {
		return testingError(errNoTester)
	}
	result, err := s.cfg.Tester.Stories(c.Request().Context(), data, channels.QueryBool(c, "e2e", false))
	if err != nil {
		return testingError(err)
	}
	return channels.WriteJSON(c, http.StatusOK, result)
}

// testIntents is POST /model/test/intents.
func (s *Server) testIntents(ctx context.Context, c echo.Context) (*reply, error) {
	data, err := channels.Body(c)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, badRequest("You must provide some nlu data in the request body in order to evaluate your model.")
	}
	foldsText, crossValidate := channels.Query(c, "cross_validation_folds")
	folds := 0
	if c.Request().Header.Get("Content-Type") == typeYAML {
		if err := checkTrainingYAML(data); err != nil {
			return nil, err
		}
		if crossValidate {
			n, err := value.ParseInt(foldsText)
			if err != nil {
				return nil, err
			}
			count, _ := n.(int64)
			folds = int(count)
		}
	} else {
		if _, err := channels.JSONObject(c); err != nil {
			return nil, err
		}
		if crossValidate {
			return nil, &APIError{Status: http.StatusBadRequest, Reason: "TestingError",
				Message: "Cross-validation is only supported for YAML data."}
		}
	}
	result, err := s.evaluateIntents(ctx, c, data, crossValidate, folds)
	if err != nil {
		return nil, testingError(err)
	}
	return jsonReply(result), nil
}

func (s *Server) evaluateIntents(ctx context.Context, c echo.Context, data []byte, crossValidate bool, folds int) (*value.Map, error) {
	if crossValidate {
		if s.cfg.Tester == nil {
			return nil, errNoTester
		}
		return s.cfg.Tester.CrossValidate(ctx, data, folds)
	}
	m := s.cfg.Processor.Model()
	if path, ok := channels.Query(c, "model"); ok && s.cfg.Models != nil {
		var err error
		if m, err = s.cfg.Models.Load(ctx, ModelSource{File: path}); err != nil {
			s.log.Error("model not loaded", "model", path, "err", err)
			m = nil
		}
	}
	switch {
	case m == nil:
		return nil, errNoModel
	case s.cfg.Tester == nil:
		return nil, errNoTester
	}
	return s.cfg.Tester.Intents(ctx, data, m)
}

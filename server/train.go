package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Errors a Trainer tells apart.
var (
	// ErrNothingTrained says that there was nothing to train.
	ErrNothingTrained = errors.New("nothing to train")
	// ErrInvalidDomain is wrapped by the error for a domain that Rasa refuses as invalid.
	ErrInvalidDomain = errors.New("invalid domain")
)

// Trainer trains models for POST /model/train.
type Trainer interface {
	// Train trains a model. The errors are ErrNothingTrained, one that wraps ErrInvalidDomain, or any other.
	Train(ctx context.Context, r TrainRequest) (*Trained, error)
}

// TrainRequest is what POST /model/train asks for.
type TrainRequest struct {
	// YAML holds config, domain and training data in one document.
	YAML []byte
	// Force trains everything anew even where nothing changed.
	Force bool
	// Keep stores the archive in the folder of models.
	Keep bool
	// Augmentation is the augmentation factor of stories, NumThreads what NLU components may use.
	Augmentation, NumThreads int
}

// Trained is a trained model.
type Trained struct {
	// Name is the archive's file name, Archive its content, Size its length in bytes. The reader is closed by whoever
	// got it.
	Name    string
	Archive io.ReadCloser
	Size    int64
}

const trainingError = "TrainingError"

// train is POST /model/train: it answers with the archive.
func (s *Server) train(ctx context.Context, c echo.Context) (*reply, error) {
	data, err := channels.Body(c)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, badRequest("You must provide training data in the request body in order to train your model.")
	}
	if err := checkTrainingYAML(data); err != nil {
		return nil, err
	}
	if s.cfg.Trainer == nil {
		return nil, unexpected(trainingError, errors.New("this server cannot train models"))
	}
	s.training.Add(1)
	defer s.training.Add(-1)
	got, err := s.cfg.Trainer.Train(ctx, TrainRequest{
		YAML: data, Force: channels.QueryBool(c, "force_training", false),
		Keep:         channels.QueryBool(c, "save_to_default_model_directory", true),
		Augmentation: queryInt(c, "augmentation", 50), NumThreads: queryInt(c, "num_threads", 1),
	})
	switch {
	case errors.Is(err, ErrNothingTrained):
		return nil, &APIError{Status: http.StatusInternalServerError, Reason: trainingError,
			Message: "Ran training, but it finished without a trained model."}
	case errors.Is(err, ErrInvalidDomain):
		return nil, &APIError{Status: http.StatusBadRequest, Reason: "InvalidDomainError",
			Message: fmt.Sprintf("Provided domain file is invalid. Error: %v", err)}
	case err != nil:
		return nil, &APIError{Status: http.StatusInternalServerError, Reason: trainingError, Err: err,
			Message: fmt.Sprintf("An unexpected error occurred during training. Error: %v", err)}
	}
	// Rasa guesses the type from the last ending but one.
	return &reply{contentType: "application/x-tar", fileName: got.Name, body: got.Archive, size: got.Size}, nil
}

// checkTrainingYAML refuses what Rasa's reader of NLU data refuses.
func checkTrainingYAML(data []byte) error {
	_, problems := project.ParseNLU(data, "the request body")
	if err := problems.Err(); err != nil {
		e := badRequest(fmt.Sprintf("The request body does not contain valid YAML. Error: %v", err))
		e.Help = docs + "/training-data-format"
		return e
	}
	return nil
}

// queryInt reads a parameter that is an integer; what is none is ignored (rasa/utils/endpoints.py, int_arg).
func queryInt(c echo.Context, name string, otherwise int) int {
	text, ok := channels.Query(c, name)
	if !ok {
		return otherwise
	}
	v, err := value.ParseInt(text)
	n, small := v.(int64)
	if err != nil || !small {
		return otherwise
	}
	return int(n)
}

// reply is an answer that may go to a callback URL instead of the client.
type reply struct {
	contentType string
	// fileName is "" for what is no file.
	fileName string
	body     io.ReadCloser
	size     int64
}

func jsonReply(v any) *reply {
	data := value.Encode(v, value.Sanic)
	return &reply{contentType: channels.TypeJSON, body: io.NopCloser(bytes.NewReader(data)), size: int64(len(data))}
}

func (r *reply) write(c echo.Context) error {
	defer r.body.Close()
	h := c.Response().Header()
	if r.fileName != "" {
		h.Set("Content-Disposition", `attachment; filename="`+r.fileName+`"`)
		h.Set("filename", r.fileName)
	}
	h.Set("Content-Type", r.contentType)
	h.Set("Content-Length", strconv.FormatInt(r.size, 10))
	c.Response().WriteHeader(http.StatusOK)
	if _, err := io.Copy(c.Response(), r.body); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}

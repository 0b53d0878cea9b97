package server

import (
	"net/http"
	"runtime"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/internal/metrics"
)

// started is about when the process was.
var started = time.Now()

// metrics is GET /metrics, for Prometheus. Rasa has no such route.
func (s *Server) metrics(c echo.Context) error {
	var w metrics.Writer
	loaded := 0.0
	if s.cfg.Processor.Model() != nil {
		loaded = 1
	}
	w.Add(metrics.Gauge, "parley_model_loaded", "1 when there is a model.", loaded)
	waiting := 0
	if s.cfg.Waiting != nil {
		waiting = s.cfg.Waiting()
	}
	w.Add(metrics.Gauge, "parley_turns_waiting", "Turns that wait on this node's disk for the tracker store.", float64(waiting))
	if s.cfg.Metrics != nil {
		s.cfg.Metrics(&w)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	w.Add(metrics.Gauge, "go_goroutines", "Goroutines.", float64(runtime.NumGoroutine()))
	w.Add(metrics.Gauge, "go_sched_gomaxprocs_threads", "Processors that run goroutines at a time.", float64(runtime.GOMAXPROCS(0)))
	w.Add(metrics.Gauge, "go_memstats_heap_alloc_bytes", "Bytes of the heap in use.", float64(m.HeapAlloc))
	w.Add(metrics.Gauge, "go_memstats_sys_bytes", "Bytes taken from the system.", float64(m.Sys))
	w.Add(metrics.Counter, "go_memstats_alloc_bytes_total", "Bytes ever allocated.", float64(m.TotalAlloc))
	w.Add(metrics.Counter, "go_gc_cycles_total", "Garbage collections.", float64(m.NumGC))
	w.Add(metrics.Counter, "go_gc_pause_seconds_total", "Time that they stopped everything.", time.Duration(m.PauseTotalNs).Seconds()) //nolint:gosec // not in this century
	w.Add(metrics.Gauge, "process_start_time_seconds", "When the process began, in seconds since 1970.", float64(started.UnixMilli())/1000)
	return channels.WriteText(c, http.StatusOK, metrics.ContentType, w.String())
}

package web

import (
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics contains the metrics that Prometheus collects from this process.
type Metrics struct {
	registry          *prometheus.Registry
	visitsServed      prometheus.Counter
	submissionsStored prometheus.Counter
	requestDuration   *prometheus.HistogramVec
	dependencyUp      *prometheus.GaugeVec
	batchSize         *prometheus.HistogramVec
	connectionsClosed *prometheus.CounterVec
}

// NewMetrics returns metrics that have not counted anything.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		visitsServed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "simpleapp_visits_served_total",
			Help: "Home pages served to visitors, also those without a number."}),
		submissionsStored: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "simpleapp_submissions_stored_total",
			Help: "Submissions stored, whose COMMIT was confirmed."}),
		requestDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "simpleapp_http_request_duration_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}},
			[]string{"route", "method", "code"}),
		dependencyUp: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "simpleapp_dependency_up",
			Help: "1 if the program could write to the store when it last tried, else 0."},
			[]string{"name"}),
		batchSize: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "simpleapp_batch_size", Help: "Items written with one command.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11)},
			[]string{"name"}),
		connectionsClosed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "simpleapp_connections_closed_total",
			Help: "Connections closed to make room for others, by their state then."},
			[]string{"state"}),
	}
	m.registry.MustRegister(m.visitsServed, m.submissionsStored, m.requestDuration,
		m.dependencyUp, m.batchSize, m.connectionsClosed)
	return m
}

// ObserveVisits records a batch of n visits.
func (m *Metrics) ObserveVisits(n int) {
	m.batchSize.WithLabelValues("visits").Observe(float64(n))
}

// ObserveSubmissions records a batch of submissions, and how many of them were stored as new rows.
func (m *Metrics) ObserveSubmissions(submissions, stored int) {
	m.batchSize.WithLabelValues("submissions").Observe(float64(submissions))
	m.submissionsStored.Add(float64(stored))
}

// SetDependency records whether the program can use the store with this name.
func (m *Metrics) SetDependency(name string, up bool) {
	value := 0.0
	if up {
		value = 1
	}
	m.dependencyUp.WithLabelValues(name).Set(value)
}

// RecordBuild registers a metric whose labels tell which program this is.
func (m *Metrics) RecordBuild(version, revision string) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "simpleapp_build_info",
		Help: "Always 1. The labels tell which program this is.",
		ConstLabels: prometheus.Labels{
			"version": version, "revision": revision, "goversion": runtime.Version()}},
		func() float64 { return 1 }))
}

// WatchCertificate registers the metric of the certificate. expiry returns the zero time while
// there is none.
func (m *Metrics) WatchCertificate(expiry func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "simpleapp_certificate_expiry_timestamp_seconds",
		Help: "When the certificate of https ends, in Unix time, or 0 while there is none."},
		func() float64 {
			if end := expiry(); !end.IsZero() {
				return float64(end.Unix())
			}
			return 0
		}))
}

// countConnections registers count as the metric of the connections in a state.
func (m *Metrics) countConnections(state string, count func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "simpleapp_connections", Help: "Open connections, by what they wait for.",
		ConstLabels: prometheus.Labels{"state": state}},
		func() float64 { return float64(count()) }))
}

// gatherer returns these metrics, and those of the Go runtime and of the process, which the package
// prometheus itself registers with its default registry.
func (m *Metrics) gatherer() prometheus.Gatherer {
	return prometheus.Gatherers{prometheus.DefaultGatherer, m.registry}
}

func (m *Metrics) observeRequest(route, method string, code int, took time.Duration) {
	m.requestDuration.WithLabelValues(route, method, strconv.Itoa(code)).Observe(took.Seconds())
}

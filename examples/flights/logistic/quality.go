package logistic

import "math"

// Bucket counts rows whose predicted probability lies in one of Buckets equal
// parts of [0, 1].
type Bucket struct {
	At        int64   `leat:"at"` // 0 to Buckets-1
	Rows      int64   `leat:"rows"`
	Positives int64   `leat:"positives"`
	Loss      float64 `leat:"loss"`
}

// Buckets is how many there are: enough that a pair of rows in the same one,
// which counts half, hardly ever occurs.
const Buckets = 1 << 16

// BucketOf returns the bucket of a probability.
func BucketOf(p float64) int64 { return min(int64(p*Buckets), Buckets-1) }

// Quality says how well predictions fit labels.
type Quality struct {
	// AUC is the share of pairs of a positive and another row in which the
	// positive has the higher prediction; ties count half.
	AUC float64 `json:"auc"`
	// LogLoss is the mean of −ln of the probability given to the label.
	LogLoss float64 `json:"log_loss"`
}

// Judge adds up buckets in ascending order. Without a positive, or without
// anything else, the AUC is NaN.
func Judge(buckets []Bucket) Quality {
	var rows, positives, below int64
	var pairs, loss float64 // pairs in the right order; every term is a whole or a half
	for _, b := range buckets {
		others := b.Rows - b.Positives
		pairs += float64(b.Positives) * (float64(below) + float64(others)/2)
		below += others
		rows += b.Rows
		positives += b.Positives
		loss += b.Loss
	}
	return Quality{AUC: pairs / (float64(positives) * float64(rows-positives)), LogLoss: loss / float64(rows)}
}

// BaseRate is the quality of predicting p for every row, where share of the rows
// are positive.
func BaseRate(p, share float64) Quality {
	return Quality{AUC: 0.5, LogLoss: -share*math.Log(p) - (1-share)*math.Log(1-p)}
}

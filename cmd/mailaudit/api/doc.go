// Package api answers the product's own screens over HTTP: check an account now, what is known of an account, a tenant's open
// findings. deploy/openapi.yaml describes it. Whoever asks needs the bearer token; no answer says more of a secret than its
// verdict, and none names an address, a reply or a reason.
package api

package evidence

// method is for whoever has to judge the pack without us; METHOD.txt has the codes beside it.
const method = `METHOD AND LIMITS

What was done
  Every night mailaudit signs in to each stored mailbox at its provider with the stored credential, once, over
  verified TLS, sends no mail, and records what the provider answers. Guards discard the results of a provider that has
  an outage, and hold e-mails where too many accounts fail at once; rulings.csv lists what they ruled.

What "2FA confirmed" rests on
  Signing in to a mail server takes one factor. No mail server says "two-step verification is on". It is inferred:
  - confirmed:     the provider accepts nothing but app passwords that only an account with two-step verification can
                   make, or refused the sign-in in words that name the second factor.
  - likely:        the accepted credential has the shape of an app password.
  - undetermined:  accepted, and nothing can be concluded from that.
  - password only: an ordinary password was accepted: one factor opens the mailbox by this way.
  An attestation from elsewhere raises "undetermined" and "likely" to "confirmed": Google's directory
  (google_2sv_enrolled, google_2sv_enforced), Microsoft's (entra_mfa_registered), or a sign-in with two steps to the product
  (oidc_amr_mfa); the customer's own statement (customer_statement) raises to "likely". It counts for 90 days after it
  was seen, its kind and the day it was seen stand beside each account, and it changes no verdict. accounts.csv names the day at
  most 14 days late, never early.
  Somebody may have switched two-step verification off since an app password was made, without the provider saying so.

What "by traffic" means
  Where it is configured (reuse_traffic), an account that was accepted before is not asked in a run if the product itself
  has sent mail by the same credential within the configured time. It counts as verified, coverage.csv and accounts.csv show it
  apart, and in no run its last sign-in by mailaudit is older than the configured limit.

What the chain of evidence shows
  Each concluded run is a link in chain/: a text that states the SHA-256 of the run's rows and of its report, of what
  operators did since the last link, of the configuration in effect, and the SHA-256 of the link before. The SHA-256
  of the last link is the head. A head that was noted elsewhere on a day (Slack, a log, an e-mail to the auditor) shows that
  nothing from before that day was changed since. Where links are signed, the signature shows who wrote them.
  Purges and the deletion of what is older than retention leave links that say so.
  It does not show that the program saw everything, that its owner kept the signing key from others, or that a run
  which never concluded took place. Runs from before the chain are stated as they were found when it began.

How to check it without mailaudit
  sha256sum -c SHA256SUMS
  openssl pkeyutl -verify -pubin -inkey KEY.pub -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig
  for f in chain/*.txt; do openssl pkeyutl -verify -pubin -inkey KEY.pub -rawin -in $f -sigfile ${f%.txt}.sig; done
  Each link's "previous" is the sha256sum of the file before it; the last file's sha256sum is the head.
  The last "seal" line of a run ends with the sha256sum of nights/RUN/sealed.json.
  With mailaudit: mailaudit evidence verify FILE.zip --key KEY.pub --head HASH
`

// codes says what the program's own names in the machine-readable files mean.
const codes = `
What a verdict means
  The names of verdicts in the machine-readable files (report.json, accounts.csv) are codes of the program. The code
  "compliant" says that the provider accepted a credential of the kind that it wants from programs, at the time given. It
  does not say that a law, a contract or a policy is met, and this pack does not say so anywhere.
  "unverified" says that nothing can be said of that account in that run. An earlier finding stays open.
`

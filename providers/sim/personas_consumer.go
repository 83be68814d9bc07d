package sim

// Yahoo plays smtp.mail.yahoo.com: "too many attempts" at the first wrong one, then it hangs up.
func Yahoo() Persona {
	return yahooFamily("yahoo", "smtp.mail.yahoo.com", "PLAIN LOGIN XOAUTH2 OAUTHBEARER")
}

// AOL plays smtp.aol.com, which also serves Verizon.
func AOL() Persona { return yahooFamily("aol", "smtp.aol.com", "PLAIN LOGIN XOAUTH2 OAUTHBEARER") }

// ATT plays smtp.mail.att.net; its app password is called a secure mail key.
func ATT() Persona {
	p := yahooFamily("att", "smtp.mail.att.net", "PLAIN LOGIN XOAUTH2 OAUTHBEARER")
	p.Hosts = append(p.Hosts, "outbound.att.net")
	return p
}

func yahooFamily(name, host, mechanisms string) Persona {
	return Persona{
		Name:     name,
		Hosts:    []string{host},
		Greeting: "220 " + host + " ESMTP ready",
		Clear:    "250-hermes--production-bf1-{id} Hello [127.0.0.1]\n250-PIPELINING\n250-ENHANCEDSTATUSCODES\n250-8BITMIME\n250-SIZE 41697280\n250 STARTTLS",
		Secured: "250-hermes--production-bf1-{id} Hello [127.0.0.1]\n250-PIPELINING\n250-ENHANCEDSTATUSCODES\n250-8BITMIME\n" +
			"250-SIZE 41697280\n250 AUTH " + mechanisms,
		Replies: map[Answer]string{
			Accepted:    "235 2.0.0 OK",
			Refused:     "535 5.7.0 (#AUTH005) Too many bad auth attempts.",
			TooMany:     "421 4.7.0 [TSS04] Messages from 127.0.0.1 temporarily deferred due to unexpected volume or user complaints",
			Unavailable: "451 4.3.2 Internal server error",
		},
		NoMechanism:    "504 5.5.4 Unrecognized authentication type",
		PlainPrompt:    "Plain:",
		CloseRefused:   true,
		TokenChallenge: `{"status":"invalid_token","schemes":"bearer","scope":"mail-w"}`,
		Judge:          appPasswordOnly,
	}
}

// Apple plays smtp.mail.me.com: one text for every cause, app-specific passwords only, and these only
// with two-factor authentication.
func Apple() Persona {
	return Persona{
		Name:     "apple",
		Hosts:    []string{"smtp.mail.me.com", "smtp.mail.icloud.com"},
		Greeting: "220 {host} ESMTP iCloud SMTP ready",
		Clear:    "250-{host}\n250-PIPELINING\n250-SIZE 28319744\n250-STARTTLS\n250-ENHANCEDSTATUSCODES\n250-8BITMIME\n250 DSN",
		Secured:  "250-{host}\n250-PIPELINING\n250-SIZE 28319744\n250-AUTH LOGIN PLAIN\n250-ENHANCEDSTATUSCODES\n250-8BITMIME\n250 DSN",
		Replies: map[Answer]string{
			Accepted:    "235 2.7.0 Authentication successful",
			Refused:     "535 5.7.8 Error: authentication failed",
			TooMany:     "421 4.7.0 Error: too many connections",
			Unavailable: "454 4.7.0 Temporary authentication failure",
		},
		NoMechanism: "535 5.7.8 Error: authentication failed: Invalid authentication mechanism",
		Judge: func(a Account, secret string) Answer {
			if !a.TwoFactor {
				return Refused
			}
			return appPasswordOnly(a, secret)
		},
	}
}

// Zoho plays smtp.zoho.com: without two-factor the ordinary password works, with it only app passwords.
func Zoho() Persona {
	return Persona{
		Name:     "zoho",
		Hosts:    []string{"smtp.zoho.com", "smtppro.zoho.com", "smtp.zoho.eu", "smtppro.zoho.eu", "smtp.zoho.in"},
		Greeting: "220 mx.zohomail.com SMTP Server ready November 23, 2026 2:15:00 AM UTC",
		Clear:    "250-mx.zohomail.com Hello localhost (127.0.0.1)\n250-STARTTLS\n250 SIZE 53477376",
		Secured:  "250-mx.zohomail.com Hello localhost (127.0.0.1)\n250-AUTH LOGIN PLAIN\n250 SIZE 53477376",
		Replies: map[Answer]string{
			Accepted:    "235 Authentication Successful",
			Refused:     "535 Authentication Failed",
			TooMany:     "421 4.7.0 Too many connections, try again later",
			Unavailable: "451 4.3.0 Temporary server error",
		},
		NoMechanism: "504 Unrecognized authentication type",
		Judge: func(a Account, secret string) Answer {
			if appPassword(a, secret) || !a.TwoFactor && is(a.Password, secret) {
				return Accepted
			}
			return Refused
		},
	}
}

// Fastmail plays smtp.fastmail.com: an app password always.
func Fastmail() Persona {
	return Persona{
		Name:     "fastmail",
		Hosts:    []string{"smtp.fastmail.com"},
		Greeting: "220 smtp.fastmail.com ESMTP ready",
		Clear:    "250-smtp.fastmail.com\n250-PIPELINING\n250-SIZE 75000000\n250-STARTTLS\n250-ENHANCEDSTATUSCODES\n250 8BITMIME",
		Secured:  "250-smtp.fastmail.com\n250-PIPELINING\n250-SIZE 75000000\n250-AUTH PLAIN LOGIN\n250-AUTH=PLAIN LOGIN\n250-ENHANCEDSTATUSCODES\n250 8BITMIME",
		Replies: map[Answer]string{
			Accepted:    "235 2.0.0 OK",
			Refused:     "535 5.7.0 Incorrect username or password",
			TooMany:     "421 4.7.0 Too many connections",
			Unavailable: "454 4.3.0 Temporary authentication failure",
		},
		NoMechanism: "504 5.5.4 Mechanism not supported",
		Judge:       appPasswordOnly,
	}
}

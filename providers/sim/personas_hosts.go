package sim

// Dovecot plays a host with Postfix and Dovecot, where there are no app passwords.
func Dovecot() Persona {
	return Persona{
		Name:     "dovecot",
		Hosts:    []string{"mail.clinic.example", "smtp.clinic.example"},
		Greeting: "220 {host} ESMTP Postfix",
		Clear:    "250-{host}\n250-PIPELINING\n250-SIZE 10240000\n250-ETRN\n250-STARTTLS\n250-ENHANCEDSTATUSCODES\n250-8BITMIME\n250 DSN",
		Secured: "250-{host}\n250-PIPELINING\n250-SIZE 10240000\n250-ETRN\n250-AUTH PLAIN LOGIN\n250-AUTH=PLAIN LOGIN\n" +
			"250-ENHANCEDSTATUSCODES\n250-8BITMIME\n250 DSN",
		Replies: map[Answer]string{
			Accepted:    "235 2.7.0 Authentication successful",
			Refused:     "535 5.7.8 Error: authentication failed: (reason unavailable)",
			Disabled:    "535 5.7.8 Error: authentication failed: User account is disabled",
			TooMany:     "421 4.7.0 {host} Error: too many connections from 127.0.0.1",
			Unavailable: "454 4.7.0 Temporary authentication failure: Connection lost to authentication server",
		},
		NoMechanism: "535 5.7.8 Error: authentication failed: Invalid authentication mechanism",
		Judge:       ordinaryOnly,
	}
}

// CPanel plays a shared host with Exim.
func CPanel() Persona {
	return Persona{
		Name:  "cpanel",
		Hosts: []string{"server.hosting.example", "mail.dental.example"},
		Greeting: "220-{host} ESMTP Exim 4.98 #2 Mon, 23 Nov 2026 02:15:00 +0000\n" +
			"220-We do not authorize the use of this system to transport unsolicited,\n220 and/or bulk e-mail.",
		Clear:   "250-{host} Hello localhost [127.0.0.1]\n250-SIZE 52428800\n250-LIMITS MAILMAX=1000 RCPTMAX=50000\n250-8BITMIME\n250-PIPELINING\n250-PIPECONNECT\n250-STARTTLS\n250 HELP",
		Secured: "250-{host} Hello localhost [127.0.0.1]\n250-SIZE 52428800\n250-LIMITS MAILMAX=1000 RCPTMAX=50000\n250-8BITMIME\n250-PIPELINING\n250-PIPECONNECT\n250-AUTH PLAIN LOGIN\n250 HELP",
		Replies: map[Answer]string{
			Accepted:    "235 Authentication succeeded",
			Refused:     "535 Incorrect authentication data",
			TooMany:     "421 Too many concurrent SMTP connections from this IP address; please try again later.",
			Unavailable: "435 Unable to authenticate at present",
		},
		NoMechanism: "504 authentication mechanism not supported",
		Judge:       ordinaryOnly,
	}
}

package sim

// Texts are those of transcripts: see each provider's rules for where they were seen.

// Google plays smtp.gmail.com: app passwords need two-step verification, and ordinary passwords are
// refused for good (since 2022, Workspace since March 2025).
func Google() Persona {
	return Persona{
		Name:     "google",
		Hosts:    []string{"smtp.gmail.com", "smtp.googlemail.com"},
		Greeting: "220 smtp.gmail.com ESMTP {id} - gsmtp",
		Clear: "250-smtp.gmail.com at your service, [127.0.0.1]\n250-SIZE 35882577\n250-8BITMIME\n250-STARTTLS\n" +
			"250-ENHANCEDSTATUSCODES\n250-PIPELINING\n250-CHUNKING\n250 SMTPUTF8",
		Secured: "250-smtp.gmail.com at your service, [127.0.0.1]\n250-SIZE 35882577\n250-8BITMIME\n" +
			"250-AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH\n250-ENHANCEDSTATUSCODES\n" +
			"250-PIPELINING\n250-CHUNKING\n250 SMTPUTF8",
		Replies: map[Answer]string{
			Accepted: "235 2.7.0 Accepted",
			Refused: "535-5.7.8 Username and Password not accepted. For more information, go to\n" +
				"535 5.7.8  https://support.google.com/mail/?p=BadCredentials {id} - gsmtp",
			NeedsAppPassword: "534-5.7.9 Application-specific password required. For more information, go to\n" +
				"534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor {id} - gsmtp",
			NeedsBrowser: "534-5.7.14 <https://accounts.google.com/signin/continue?sarp=1&scc=1&plt=AKgnsbu\n" +
				"534-5.7.14 {id}Zhs1k0aAUramv-gnXAqh7PRH-LHVHYOJ0nruDfuXJ\n" +
				"534-5.7.14 BCclFxZVjITgtBSVfNum_ZXqlrO> Please log in via your web browser and\n" +
				"534-5.7.14 then try again.\n534-5.7.14  Learn more at\n" +
				"534 5.7.14  https://support.google.com/mail/answer/78754 {id} - gsmtp",
			NeedsMFA: "534-5.7.9 Please log in with your web browser and then try again. Learn more at\n" +
				"534 5.7.9  https://support.google.com/mail/?p=WebLoginRequired {id} - gsmtp",
			TooMany: "454-4.7.0 Too many login attempts, please try again later. For more information,\n" +
				"454-4.7.0 go to\n454 4.7.0  https://support.google.com/mail/answer/7126229 {id} - gsmtp",
			Unavailable: "454 4.7.0 Cannot authenticate due to a temporary system problem. Try again later. {id} - gsmtp",
		},
		NoMechanism: "504 5.7.4 Unrecognized Authentication Type. {id} - gsmtp",
		Judge: func(a Account, secret string) Answer {
			switch {
			case a.TwoFactor && appPassword(a, secret):
				return Accepted
			case a.TwoFactor && is(a.Password, secret):
				return NeedsAppPassword
			}
			return Refused
		},
	}
}

// Outlook plays smtp-mail.outlook.com for personal accounts: LOGIN is offered and always refused, since
// 16 September 2024.
func Outlook() Persona {
	p := Microsoft365()
	p.Name = "outlook"
	p.Hosts = []string{"smtp-mail.outlook.com"}
	p.Judge = func(Account, string) Answer { return Disabled }
	p.Replies[Disabled] = "535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [{server} {date} {hex}]"
	return p
}

// Microsoft365 plays smtp.office365.com as it is until basic authentication goes: an ordinary password
// opens a mailbox without MFA; app passwords stand for it under per-user MFA. It knows no PLAIN.
func Microsoft365() Persona {
	const unsuccessful = "535 5.7.139 Authentication unsuccessful, "
	const trailer = " [{server} {date} {hex}]"
	return Persona{
		Name:     "microsoft",
		Hosts:    []string{"smtp.office365.com", "outlook.office365.com", "smtp-mail.outlook.com"},
		Greeting: "220 {server} Microsoft ESMTP MAIL Service ready at Mon, 23 Nov 2026 02:15:00 +0000 [{hex}]",
		Clear: "250-{server} Hello [127.0.0.1]\n250-SIZE 157286400\n250-PIPELINING\n250-DSN\n250-ENHANCEDSTATUSCODES\n" +
			"250-STARTTLS\n250-8BITMIME\n250-BINARYMIME\n250-CHUNKING\n250 SMTPUTF8",
		Secured: "250-{server} Hello [127.0.0.1]\n250-SIZE 157286400\n250-PIPELINING\n250-DSN\n250-ENHANCEDSTATUSCODES\n" +
			"250-AUTH LOGIN XOAUTH2\n250-8BITMIME\n250-BINARYMIME\n250-CHUNKING\n250 SMTPUTF8",
		Replies: map[Answer]string{
			Accepted: "235 2.7.0 Authentication successful",
			Refused:  unsuccessful + "the user credentials were incorrect." + trailer,
			Disabled: unsuccessful + "SmtpClientAuthentication is disabled for the Mailbox. Visit " +
				"https://aka.ms/smtp_auth_disabled for more information." + trailer,
			NeedsMFA: unsuccessful + "the request did not meet the criteria to be authenticated successfully. " +
				"Contact your administrator." + trailer,
			NeedsBrowser: unsuccessful + "the request did not meet the criteria to be authenticated successfully. " +
				"Contact your administrator." + trailer,
			Blocked:     unsuccessful + "account locked. Contact your administrator." + trailer,
			TooMany:     "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information." + trailer,
			Unavailable: "451 4.7.0 Temporary server error. Please try again later. PRX2 " + trailer,
		},
		NoMechanism: "504 5.7.4 Unrecognized authentication type" + trailer,
		Judge: func(a Account, secret string) Answer {
			switch {
			case appPassword(a, secret) && a.TwoFactor:
				return Accepted
			case a.Password != secret || secret == "":
				return Refused
			case a.TwoFactor:
				return NeedsMFA
			}
			return Accepted
		},
	}
}

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
		NoMechanism:  "504 5.5.4 Unrecognized authentication type",
		PlainPrompt:  "Plain:",
		CloseRefused: true,
		Judge:        appPasswordOnly,
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

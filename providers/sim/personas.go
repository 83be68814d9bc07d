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
		NoMechanism:    "504 5.7.4 Unrecognized Authentication Type. {id} - gsmtp",
		TokenChallenge: `{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`,
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
		NoMechanism:  "504 5.7.4 Unrecognized authentication type" + trailer,
		TokenRefused: "535 5.7.3 Authentication unsuccessful" + trailer,
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

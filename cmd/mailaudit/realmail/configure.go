package realmail

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// mailOwner is the numeric user and group of the mailboxes; it needs no name.
const mailOwner = 5000

func (s *Server) configure(opts Options) error {
	// Postfix's and Dovecot's own users walk through here.
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return err
	}
	for _, d := range []string{"postfix", "queue", "data", "mail", "dovecot"} {
		if err := os.Mkdir(filepath.Join(s.dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chown(filepath.Join(s.dir, "mail"), mailOwner, mailOwner); err != nil {
		return err
	}
	if err := chownTo(filepath.Join(s.dir, "data"), "postfix"); err != nil {
		return err
	}
	chain, err := chainPEM(opts.Certificate)
	if err != nil {
		return err
	}
	master, err := s.masterCF()
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"chain.pem":         chain,
		"postfix/main.cf":   s.mainCF(opts.Domain),
		"postfix/master.cf": master,
		"postfix/mailboxes": mailboxes(opts),
		"dovecot.conf":      s.dovecotConf(opts.Introspection != ""),
		"oauth2.conf":       oauth2Conf(opts.Introspection),
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return s.SetPasswords(opts.Passwords)
}

// mailboxes gives each local part a Maildir of that name.
func mailboxes(opts Options) string {
	var b strings.Builder
	for _, local := range opts.Mailboxes {
		fmt.Fprintf(&b, "%s@%s %s/\n", local, opts.Domain, local)
	}
	return b.String()
}

// SetPasswords replaces all logins and their passwords.
func (s *Server) SetPasswords(passwords map[string]string) error {
	var b strings.Builder
	for _, login := range slices.Sorted(maps.Keys(passwords)) {
		fmt.Fprintf(&b, "%s:{PLAIN}%s\n", login, passwords[login])
	}
	if s.keep != nil {
		// Dovecot looks at the file once in a second at most, and knows a new one by the second of its time.
		time.Sleep(time.Second)
	}
	next := filepath.Join(s.dir, "users.next")
	if err := os.WriteFile(next, []byte(b.String()), 0o600); err != nil {
		return err
	}
	if err := chownTo(next, "dovecot"); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(s.dir, "users"))
}

func chainPEM(cert tls.Certificate) (string, error) {
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: key}); err != nil {
		return "", err
	}
	for _, der := range cert.Certificate {
		if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func (s *Server) mainCF(domain string) string {
	return fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/postfix.log
maillog_file_prefixes = %[1]s
myhostname = mail.realmail.example
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
fast_flush_domains =
alias_maps =
alias_database =
biff = no

smtpd_tls_chain_files = %[1]s/chain.pem
smtpd_tls_security_level = encrypt
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions =

virtual_mailbox_domains = %[2]s
virtual_mailbox_base = %[1]s/mail
virtual_mailbox_maps = texthash:%[1]s/postfix/mailboxes
default_transport = error:nothing leaves this machine
virtual_uid_maps = static:%[3]d
virtual_gid_maps = static:%[3]d
`, s.dir, domain, mailOwner)
}

func (s *Server) masterCF() (string, error) {
	var b strings.Builder
	s.ports = map[Service]string{}
	for _, service := range services {
		addr, err := freeAddr()
		if err != nil {
			return "", err
		}
		s.ports[service] = addr
		fmt.Fprintf(&b, "%s inet n - n - - smtpd\n  -o syslog_name=%s\n", addr, service)
		if service == PlainTLS || service == LoginTLS {
			b.WriteString("  -o smtpd_tls_wrappermode=yes\n")
		}
		if service == LoginTLS || service == LoginSTARTTLS {
			b.WriteString("  -o smtpd_sasl_mechanism_filter=login\n")
		}
	}
	b.WriteString(`postlog unix-dgram n - n - 1 postlogd
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
retry unix - - n - - error
error unix - - n - - error
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
`)
	return b.String(), nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// dovecotConf is for Dovecot 2.3. It serves nothing but Postfix's questions.
func (s *Server) dovecotConf(tokens bool) string {
	mechanisms, lookUp := "plain login", ""
	if tokens {
		mechanisms += " xoauth2 oauthbearer"
		lookUp = fmt.Sprintf(`passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = %s/oauth2.conf
}
`, s.dir)
	}
	return fmt.Sprintf(`base_dir = %[1]s/dovecot
state_dir = %[1]s/dovecot
log_path = %[1]s/dovecot.log
protocols =
ssl = no
auth_mechanisms = %[3]s
# Names each question and its mechanism, and no secret.
auth_debug = yes
%[4]spassdb {
  driver = passwd-file
  mechanisms = plain login
  args = username_format=%%u %[1]s/users
}
userdb {
  driver = static
  args = uid=%[2]d gid=%[2]d home=/nonexistent
}
service auth {
  unix_listener %[1]s/queue/private/auth {
    mode = 0666
  }
}
# One address asks for everybody here, so none is slowed down for refusals.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
`, s.dir, mailOwner, mechanisms, lookUp)
}

// oauth2Conf has Dovecot ask whose an access token is.
func oauth2Conf(introspection string) string {
	return fmt.Sprintf(`introspection_url = %s
introspection_mode = post
username_attribute = username
active_attribute = active
active_value = true
`, introspection)
}

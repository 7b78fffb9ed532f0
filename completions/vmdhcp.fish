# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_vmdhcp_global_optspecs
    string join \n n/namespace= local= kubeconfig= context= v/verbose h/help V/version
end

function __fish_vmdhcp_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_vmdhcp_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_vmdhcp_using_subcommand
    set -l cmd (__fish_vmdhcp_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -s V -l version -d 'Print version'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "apply" -d 'Declare pools and claims from files'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "delete" -d 'Delete what files declare'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "pool" -d 'Pools: the addresses of VM networks'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "lease" -d 'Leases: who has which address, and why not'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "manager" -d 'Allocate the addresses of a cluster, and run an agent for each of its pools'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "agent" -d 'Answer DHCP for one pool of a cluster on one interface'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "agent-init" -d 'Put the interface of an agent in order, before the agent starts'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "standalone" -d 'Serve the pools of one file on this machine\'s interfaces'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "demo" -d 'Show the whole system at work, in namespaces that go away again'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "man" -d 'Print the manual page, or write all pages'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "crd" -d 'Print the CustomResourceDefinitions of both kinds'
complete -c vmdhcp -n "__fish_vmdhcp_needs_command" -f -a "version" -d 'Print the version'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand apply" -s f -l filename -d 'YAML or JSON, several documents or a List; - is standard input' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand apply" -l timeout -d 'How long --wait waits' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand apply" -s o -l output -d 'Print the object in this format instead of a message' -r -f -a "json\t''
yaml\t''
name\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand apply" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand apply" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand apply" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand apply" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand apply" -l dry-run -d 'Let the API check everything, and store nothing'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand apply" -l wait -d 'Do not return before the change has come into effect'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand apply" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand delete" -s f -l filename -d 'YAML or JSON, several documents or a List; - is standard input' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand delete" -l timeout -d 'How long --wait waits' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand delete" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand delete" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand delete" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand delete" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand delete" -l ignore-not-found -d 'Do not mind an object that does not exist'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand delete" -l dry-run -d 'Let the API check everything, and store nothing'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand delete" -l wait -d 'Do not return before the change has come into effect'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand delete" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -f -a "create" -d 'Create a pool; on a terminal, asks for what is missing'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -f -a "list" -d 'List pools'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -f -a "ls" -d 'List pools'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -f -a "show" -d 'Show all that is known of a pool'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -f -a "describe" -d 'Show all that is known of a pool'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -f -a "set" -d 'Change fields of a pool'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -f -a "pause" -d 'Take pools out of service; their addresses stay'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -f -a "resume" -d 'Put paused pools back into service'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and not __fish_seen_subcommand_from create list ls show describe set pause resume delete" -f -a "delete" -d 'Delete pools that no VM uses'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l network -d 'VM network that the pool serves, as NAME or NAMESPACE/NAME' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l cidr -d 'Subnet, for instance 192.168.48.0/24' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l timeout -d 'How long --wait waits' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -s o -l output -d 'Print the object in this format instead of a message' -r -f -a "json\t''
yaml\t''
name\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l server-ip -d 'Address of the DHCP server [default: the first free one of the subnet]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l range -d 'Addresses to give out; may be repeated [default: the whole subnet]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l exclude -d 'Never give these out: an address, FIRST-LAST or a subnet; may be repeated' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l router -d 'Default gateway of the VMs (option 3)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l dns -d 'Name server (option 6); may be repeated' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l domain-name -d 'Domain of the VMs (option 15)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l domain-search -d 'Domain to search (option 119); may be repeated' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l ntp -d 'Time server, by address or name (option 42); may be repeated' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l lease-time -d 'Lease time in seconds, or like 5m, 1h, 1d (option 51)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l min-lease-time -d 'Shortest lease that a VM may ask for' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l max-lease-time -d 'Longest lease that a VM may ask for' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l mtu -d 'Interface MTU in bytes (option 26)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l route -d 'Static route (options 121 and 249); may be repeated' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l next-server -d 'Address of the server that VMs boot from over the network (header field siaddr, options 66 and 150)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l boot-file -d 'File or URL that they boot (header field file, option 67); rules by architecture are for `vmdhcp apply`' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l relay -d 'Answer these relay agents only, by address or subnet; may be repeated [default: any that names the subnet]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l foreign-server-policy -d 'What becomes of another DHCP server on the network [default: warn]' -r -f -a "warn\t'Tell of it, and answer all the same'
stand-down\t'Answer nobody while there is one, before the first lease of the pool'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l option -d 'Any other option, by number or name; TYPE is ip, ips, text, u8, u16, u32, bool, domains, routes or hex; may be repeated' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l dry-run -d 'Let the API check everything, and store nothing'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -l wait -d 'Do not return before the change has come into effect'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from list" -s l -l selector -d 'Only objects with these labels, for instance tier=lab,owner!=me' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from list" -s o -l output -d 'Format of the list' -r -f -a "table\t'A table, or a page for one object'
wide\t'The table with more columns'
json\t'JSON, as the API has it'
yaml\t'YAML, as the API has it'
name\t'Names only, one a line, as kubectl takes them'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from list" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from list" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from list" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from list" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from list" -s A -l all-namespaces -d 'List the objects of all namespaces'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from list" -s w -l watch -d 'Then go on, and print every change until interrupted'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from ls" -s l -l selector -d 'Only objects with these labels, for instance tier=lab,owner!=me' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from ls" -s o -l output -d 'Format of the list' -r -f -a "table\t'A table, or a page for one object'
wide\t'The table with more columns'
json\t'JSON, as the API has it'
yaml\t'YAML, as the API has it'
name\t'Names only, one a line, as kubectl takes them'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from ls" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from ls" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from ls" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from ls" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from ls" -s A -l all-namespaces -d 'List the objects of all namespaces'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from ls" -s w -l watch -d 'Then go on, and print every change until interrupted'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from show" -s o -l output -d 'Print the object in this format instead of a message' -r -f -a "json\t''
yaml\t''
name\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from show" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from show" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from show" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from show" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from describe" -s o -l output -d 'Print the object in this format instead of a message' -r -f -a "json\t''
yaml\t''
name\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from describe" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from describe" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from describe" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from describe" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from describe" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l timeout -d 'How long --wait waits' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -s o -l output -d 'Print the object in this format instead of a message' -r -f -a "json\t''
yaml\t''
name\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l server-ip -d 'Address of the DHCP server [default: the first free one of the subnet]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l range -d 'Addresses to give out; may be repeated [default: the whole subnet]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l exclude -d 'Never give these out: an address, FIRST-LAST or a subnet; may be repeated' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l router -d 'Default gateway of the VMs (option 3)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l dns -d 'Name server (option 6); may be repeated' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l domain-name -d 'Domain of the VMs (option 15)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l domain-search -d 'Domain to search (option 119); may be repeated' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l ntp -d 'Time server, by address or name (option 42); may be repeated' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l lease-time -d 'Lease time in seconds, or like 5m, 1h, 1d (option 51)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l min-lease-time -d 'Shortest lease that a VM may ask for' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l max-lease-time -d 'Longest lease that a VM may ask for' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l mtu -d 'Interface MTU in bytes (option 26)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l route -d 'Static route (options 121 and 249); may be repeated' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l next-server -d 'Address of the server that VMs boot from over the network (header field siaddr, options 66 and 150)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l boot-file -d 'File or URL that they boot (header field file, option 67); rules by architecture are for `vmdhcp apply`' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l relay -d 'Answer these relay agents only, by address or subnet; may be repeated [default: any that names the subnet]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l foreign-server-policy -d 'What becomes of another DHCP server on the network [default: warn]' -r -f -a "warn\t'Tell of it, and answer all the same'
stand-down\t'Answer nobody while there is one, before the first lease of the pool'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l option -d 'Any other option, by number or name; TYPE is ip, ips, text, u8, u16, u32, bool, domains, routes or hex; may be repeated' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l unset -d 'Remove a field; may be repeated' -r -f -a "server-ip\t'Choose the server\'s address anew'
ranges\t'Give out the whole subnet'
exclude\t''
router\t''
dns\t''
domain-name\t''
domain-search\t''
ntp\t''
lease-time\t''
min-lease-time\t''
max-lease-time\t''
mtu\t''
routes\t''
boot\t''
options\t''
classes\t''
relays\t''
foreign-server-policy\t'Answer whether or not there is another DHCP server'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l add-range -d 'Give these addresses out as well' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l remove-range -d 'No longer give these addresses out' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l add-exclude -d 'Never give these out either' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l remove-exclude -d 'No longer exclude these' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l add-dns -d 'Add a name server' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l remove-dns -d 'Remove a name server' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l add-domain-search -d 'Add a domain to search' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l remove-domain-search -d 'Remove a domain to search' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l add-ntp -d 'Add a time server' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l remove-ntp -d 'Remove a time server' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l add-route -d 'Add a static route, or change its gateway' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l remove-route -d 'Remove the static route to there' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l add-relay -d 'Answer this relay agent too, or those of this subnet' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l remove-relay -d 'No longer answer this relay agent' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l add-option -d 'Add an option, or change its value' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l remove-option -d 'Remove an option, by number or name' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l dry-run -d 'Let the API check everything, and store nothing'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -l wait -d 'Do not return before the change has come into effect'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from pause" -l timeout -d 'How long --wait waits' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from pause" -s o -l output -d 'Print the object in this format instead of a message' -r -f -a "json\t''
yaml\t''
name\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from pause" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from pause" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from pause" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from pause" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from pause" -l dry-run -d 'Let the API check everything, and store nothing'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from pause" -l wait -d 'Do not return before the change has come into effect'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from pause" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from pause" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from resume" -l timeout -d 'How long --wait waits' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from resume" -s o -l output -d 'Print the object in this format instead of a message' -r -f -a "json\t''
yaml\t''
name\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from resume" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from resume" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from resume" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from resume" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from resume" -l dry-run -d 'Let the API check everything, and store nothing'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from resume" -l wait -d 'Do not return before the change has come into effect'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from resume" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from delete" -l timeout -d 'How long --wait waits' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from delete" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from delete" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from delete" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from delete" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Do not ask'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from delete" -l dry-run -d 'Let the API check everything, and store nothing'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from delete" -l wait -d 'Do not return before the change has come into effect'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand pool; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -f -a "list" -d 'List who has which address, and who waits for one'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -f -a "ls" -d 'List who has which address, and who waits for one'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -f -a "inspect" -d 'Show all that is known of a card, an address or a VM, and why it has no address'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -f -a "show" -d 'Show all that is known of a card, an address or a VM, and why it has no address'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -f -a "watch" -d 'Watch what the DHCP servers decide, packet by packet: who asks, what is answered, and why not'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -f -a "add" -d 'Reserve an address for a MAC: a static lease'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -f -a "remove" -d 'Remove a reservation, or give a retiring address free'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and not __fish_seen_subcommand_from list ls inspect show watch add remove rm" -f -a "rm" -d 'Remove a reservation, or give a retiring address free'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from list" -l pool -d 'Only leases of this pool' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from list" -s l -l selector -d 'Only objects with these labels, for instance tier=lab,owner!=me' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from list" -s o -l output -d 'Format of the list' -r -f -a "table\t'A table, or a page for one object'
wide\t'The table with more columns'
json\t'JSON, as the API has it'
yaml\t'YAML, as the API has it'
name\t'Names only, one a line, as kubectl takes them'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from list" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from list" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from list" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from list" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from list" -s A -l all-namespaces -d 'List the objects of all namespaces'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from list" -s w -l watch -d 'Then go on, and print every change until interrupted'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from ls" -l pool -d 'Only leases of this pool' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from ls" -s l -l selector -d 'Only objects with these labels, for instance tier=lab,owner!=me' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from ls" -s o -l output -d 'Format of the list' -r -f -a "table\t'A table, or a page for one object'
wide\t'The table with more columns'
json\t'JSON, as the API has it'
yaml\t'YAML, as the API has it'
name\t'Names only, one a line, as kubectl takes them'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from ls" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from ls" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from ls" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from ls" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from ls" -s A -l all-namespaces -d 'List the objects of all namespaces'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from ls" -s w -l watch -d 'Then go on, and print every change until interrupted'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from inspect" -s o -l output -d 'Print what is known as {"leases": [...], "notes": [...]}' -r -f -a "json\t''
yaml\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from inspect" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from inspect" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from inspect" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from inspect" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from inspect" -s A -l all-namespaces -d 'Look for the VM in all namespaces'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from inspect" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from show" -s o -l output -d 'Print what is known as {"leases": [...], "notes": [...]}' -r -f -a "json\t''
yaml\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from show" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from show" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from show" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from show" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from show" -s A -l all-namespaces -d 'Look for the VM in all namespaces'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from watch" -l mac -d 'Only packets about this card, or from it' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from watch" -s o -l output -d 'What is printed: a table, one with the agents and pools, or JSON' -r -f -a "table\t''
wide\t''
json\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from watch" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from watch" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from watch" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from watch" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from watch" -l recent -d 'Begin with what the agents remember: about the last 2,000 packets of each'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from watch" -s A -l all-namespaces -d 'Watch the pools of all namespaces'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from watch" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from add" -l ip -d 'The address' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from add" -l hostname -d 'Host name that the card is sent (option 12)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from add" -l timeout -d 'How long --wait waits' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from add" -s o -l output -d 'Print the object in this format instead of a message' -r -f -a "json\t''
yaml\t''
name\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from add" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from add" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from add" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from add" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from add" -l dry-run -d 'Let the API check everything, and store nothing'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from add" -l wait -d 'Do not return before the change has come into effect'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from remove" -l timeout -d 'How long --wait waits' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from remove" -s o -l output -d 'Print the object in this format instead of a message' -r -f -a "json\t''
yaml\t''
name\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from remove" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from remove" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from remove" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from remove" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from remove" -l force -d 'Declare that no guest uses the retiring address any more'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from remove" -l dry-run -d 'Let the API check everything, and store nothing'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from remove" -l wait -d 'Do not return before the change has come into effect'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from rm" -l timeout -d 'How long --wait waits' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from rm" -s o -l output -d 'Print the object in this format instead of a message' -r -f -a "json\t''
yaml\t''
name\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from rm" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from rm" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from rm" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from rm" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from rm" -l force -d 'Declare that no guest uses the retiring address any more'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from rm" -l dry-run -d 'Let the API check everything, and store nothing'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from rm" -l wait -d 'Do not return before the change has come into effect'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from rm" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand lease; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l name -d 'Its name in its log, and that of the release that it belongs to' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l listen -d 'Where probes and metrics are shown (plain HTTP)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l auto-pool -d 'Which VM networks are given a pool of their own' -r -f -a "annotated\t'Those that ask for it by an annotation'
all\t'All of which a subnet is known'
off\t'None'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l log-format -d 'Form of the log lines on standard error' -r -f -a "text\t'For people'
json\t'One JSON object a line'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l image -d 'Image of the agents' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l service-account-name -d 'Service account of the agents' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l agent-replicas -d 'Agents of a pool that does not say how many it wants' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l agent-image-pull-policy -d 'When nodes pull the image [default: as the cluster has it]' -r -f -a "Always\t''
IfNotPresent\t''
Never\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l agent-image-pull-secret -d 'Secret in the agents\' namespace that the image is pulled with (may be repeated)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l agent-resources -d 'What an agent asks of its node, as JSON or YAML of a container\'s `resources`' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l leader-election-namespace -d 'Namespace of the Lease' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l lease-duration -d 'How long a lead is waited for that is not renewed' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l renew-deadline -d 'After which time without a renewal a leader ceases' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l retry-period -d 'How often a lead is renewed, or asked for' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l no-crds -d 'Leave the definitions of the kinds as they are, because they come by other means'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l enable-cache-dump-api -d 'Show pools and leases under /ipams and /caches too'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l debug -d 'Log more, as -v does'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l trace -d 'Log everything, as -vv does'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l no-agent -d 'Run no agents: somebody else sees to them'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l no-dhcp -d 'Let agents do everything but answer'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -l no-leader-election -d 'Work at once: this is the only replica, and no other manager runs'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand manager" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l name -d 'Its name, and that of the Lease in which it reports [default: the host\'s name]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l ippool-ref -d 'The pool that it serves' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l nic -d 'The interface that it serves the pool on' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l snapshot -d 'Keep the leases in this file, to serve them when it starts while the API cannot be reached' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l listen -d 'Where probes, metrics and clients are shown (plain HTTP) [default: port 8080 of $POD_IP, or of every address]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l log-format -d 'Form of the log lines on standard error' -r -f -a "text\t'For people'
json\t'One JSON object a line'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l dry-run -d 'Do everything but answer: the network is left alone'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l enable-cache-dump-api -d 'Show the leases under /leases too'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l debug -d 'Log more, as -v does'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -l trace -d 'Log everything, as -vv does'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent-init" -l nic -d 'The interface' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent-init" -l log-format -d 'Form of the log lines on standard error' -r -f -a "text\t'For people'
json\t'One JSON object a line'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent-init" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent-init" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent-init" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent-init" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent-init" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand agent-init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand standalone" -l nic -d 'Serve this VM network on this interface; the network as NAME or NAMESPACE/NAME' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand standalone" -l listen -d 'Where probes, metrics and leases are shown (plain HTTP)' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand standalone" -l log-format -d 'Form of the log lines on standard error' -r -f -a "text\t'For people'
json\t'One JSON object a line'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand standalone" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand standalone" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand standalone" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand standalone" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand standalone" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand standalone" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand demo" -l role -d 'What a process behind the one at the terminal does' -r -f -a "sandbox\t'Make the namespaces'
tour\t'Give the tour in them'"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand demo" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand demo" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand demo" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand demo" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand demo" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand completions" -l out -d 'Write the scripts of all shells into this folder instead' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand completions" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand completions" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand completions" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand completions" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand completions" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand man" -l out -d 'Write one page a command into this folder instead' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand man" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand man" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand man" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand man" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand man" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand crd" -l out -d 'Write one file a kind into this folder instead' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand crd" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand crd" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand crd" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand crd" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand crd" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand crd" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand version" -s o -l output -d 'Print the object in this format instead of a message' -r -f -a "json\t''
yaml\t''
name\t''"
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand version" -s n -l namespace -d 'Namespace of the objects [default: that of the kubeconfig context]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand version" -l local -d 'Use the API out of this file instead of a cluster [env: VMDHCP_LOCAL]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand version" -l kubeconfig -d 'Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the service account of the pod]' -r -F
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand version" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand version" -s v -l verbose -d 'Say on standard error what is going on; more with each repetition'
complete -c vmdhcp -n "__fish_vmdhcp_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
